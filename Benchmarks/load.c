// Sends one request over and over on a few kept connections, and prints how many were answered 200, the median time to
// an answer in microseconds, and the seconds for all.
//
// Where the body says BNCH, raw or as hex digits, each request says its number: so that every span is a new one.
//
// Usage: load PORT PATH CONTENT-TYPE BODY-FILE REQUESTS CONNECTIONS
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, ANSWER_MAX = 65536, MARKS_MAX = 4096 };

static const char raw_mark[] = "BNCH", hex_mark[] = "424e4348";

struct connection {
  int socket;
  char *request;
  size_t sent;
  size_t answered;
  double begun;
  char answer[ANSWER_MAX + 1];
};

static struct connection connections[CONNECTIONS_MAX];
static char *request;
static size_t request_length;
static size_t marks[MARKS_MAX];
static int mark_count, mark_is_hex;
static unsigned number;
static long to_start, to_finish, succeeded, finished;
static double *times;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int connect_to(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons(port);
  int one = 1, peer = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(peer, (void *)&address, sizeof address)) { perror("connect"); exit(1); }
  return peer;
}

static void read_request(int port, const char *path, const char *type, const char *body_path) {
  FILE *file = fopen(body_path, "rb");
  if (!file) { perror(body_path); exit(1); }
  fseek(file, 0, SEEK_END);
  size_t length = ftell(file);
  rewind(file);
  request = malloc(length + 1024);
  request_length = sprintf(request,
                           "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: load\r\nAccept: */*\r\n"
                           "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                           path, port, type, length);
  request_length += fread(request + request_length, 1, length, file);
  fclose(file);
}

static void find_marks(void) {
  mark_is_hex = !memmem(request, request_length, raw_mark, 4);
  const char *mark = mark_is_hex ? hex_mark : raw_mark, *at = request, *end = request + request_length;
  while (mark_count < MARKS_MAX && (at = memmem(at, end - at, mark, strlen(mark)))) marks[mark_count++] = at++ - request;
}

static void write_number(char *copy) {
  char hex[9];
  snprintf(hex, sizeof hex, "%08x", ++number);
  for (int i = 0; i < mark_count; i++) memcpy(copy + marks[i], mark_is_hex ? hex : (char *)&number, mark_is_hex ? 8 : 4);
}

// Writes what the socket takes; true when the whole request is out.
static int push(struct connection *c) {
  ssize_t n = send(c->socket, c->request + c->sent, request_length - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n > 0) c->sent += n;
  return c->sent == request_length;
}

static void begin(struct connection *c) {
  c->answered = 0;
  c->sent = to_start-- > 0 ? 0 : request_length + 1;
  if (c->sent != 0) return;
  write_number(c->request);
  c->begun = now();
  push(c);
}

// Reads what is there; starts the next request after a whole answer.
static void pull(struct connection *c) {
  ssize_t n = recv(c->socket, c->answer + c->answered, ANSWER_MAX - c->answered, MSG_DONTWAIT);
  if (n <= 0) { fprintf(stderr, "the server closed a connection\n"); exit(1); }
  c->answered += n;
  c->answer[c->answered] = 0;
  char *end = strstr(c->answer, "\r\n\r\n");
  if (!end) return;
  char *length = strcasestr(c->answer, "content-length:");
  size_t whole = end + 4 - c->answer + (length && length < end ? atol(length + 15) : 0);
  if (c->answered < whole) return;
  succeeded += !strncmp(c->answer + 8, " 200", 4);
  times[finished++] = now() - c->begun;
  to_finish--;
  begin(c);
}

int main(int argc, char **argv) {
  if (argc != 7) return fprintf(stderr, "usage: load PORT PATH CONTENT-TYPE BODY-FILE REQUESTS CONNECTIONS\n"), 2;
  int port = atoi(argv[1]), count = atoi(argv[6]);
  to_start = to_finish = atol(argv[5]);
  if (count > CONNECTIONS_MAX) count = CONNECTIONS_MAX;
  times = malloc((to_start + 1) * sizeof *times);
  read_request(port, argv[2], argv[3], argv[4]);
  find_marks();
  struct pollfd polled[CONNECTIONS_MAX];
  double start = now();
  for (int i = 0; i < count; i++) {
    connections[i].request = memcpy(malloc(request_length), request, request_length);
    connections[i].socket = polled[i].fd = connect_to(port);
    begin(&connections[i]);
  }
  while (to_finish > 0) {
    for (int i = 0; i < count; i++) polled[i].events = connections[i].sent < request_length ? POLLIN | POLLOUT : POLLIN;
    if (poll(polled, count, 10000) <= 0) { fprintf(stderr, "no answer for 10 s\n"); return 1; }
    for (int i = 0; i < count; i++) {
      if (polled[i].revents & POLLOUT) push(&connections[i]);
      if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) pull(&connections[i]);
    }
  }
  double seconds = now() - start;
  qsort(times, finished, sizeof *times, by_value);
  printf("%ld %.1f %.3f\n", succeeded, times[finished / 2] * 1e6, seconds);
}
