"""The service that customers talk to: it asks the stock service by httpx."""

import logging
import os

import httpx
from fastapi import FastAPI, HTTPException

app = FastAPI()
log = logging.getLogger("shop")
log.setLevel(logging.INFO)


@app.get("/health")
async def health():
    return {}


@app.get("/orders/{item}")
async def order(item: str):
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{os.environ['STOCK_URL']}/stock/{item}")
    if answer.status_code != 200:
        log.warning("no stock of %s", item)
        raise HTTPException(404)
    log.info("ordered %s", item)
    return answer.json()
