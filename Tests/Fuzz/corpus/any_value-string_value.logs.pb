



GET /orders/{id}1