// A server that only discards: it trusts Content-Length, counts bytes, and answers 200. The floor under every collector.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, BUFFER = 256 * 1024, EVENTS = 64 };
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
static long unread[CONNECTIONS];
static char buffer[BUFFER + 1];

// Counts what one read brought; returns how many requests it ended, or -1 when a header was cut.
static int consume(int peer, char *at, char *end) {
  int answers = 0;
  while (at < end) {
    if (unread[peer] > 0) {
      long taken = end - at < unread[peer] ? end - at : unread[peer];
      at += taken;
      unread[peer] -= taken;
    } else {
      char *head_end = memmem(at, end - at, "\r\n\r\n", 4);
      if (!head_end) return -1;
      char *length = strcasestr(at, "content-length:");
      unread[peer] = length && length < head_end ? atol(length + 15) : 0;
      at = head_end + 4;
    }
    if (unread[peer] == 0) answers++;
  }
  return answers;
}

static void serve(int peer) {
  ssize_t count = read(peer, buffer, BUFFER);
  if (count < 0 && errno == EAGAIN) return;
  buffer[count > 0 ? count : 0] = 0;
  int answers = count > 0 ? consume(peer, buffer, buffer + count) : -1;
  while (answers-- > 0)
    if (write(peer, ANSWER, sizeof ANSWER - 1) < 0) break;
  if (answers < -1) close(peer);
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 512)) return perror("bind"), 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd != listener) {
        serve(events[i].data.fd);
        continue;
      }
      int peer;
      while ((peer = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
        if (peer >= CONNECTIONS) { close(peer); continue; }
        unread[peer] = 0;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        event.data.fd = peer;
        epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
      }
    }
  }
}
