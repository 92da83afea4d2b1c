// Linux calls that Swift's Glibc module does not export. Declarations only: no object code comes from this target.
#ifndef OTLPD_CLINUX_SHIM_H
#define OTLPD_CLINUX_SHIM_H
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/un.h>

// accept4 hides behind _GNU_SOURCE, which makes clang modules clash when only one header defines it.
int accept4(int, struct sockaddr *__restrict, socklen_t *__restrict, int);

// So does fallocate.
int fallocate(int, int, off_t, off_t);

int pthread_setname_np(pthread_t, const char *);

// The state of the clock, without changing it; -1 when it cannot be read.
static inline int otlpd_clock_state(void) {
  struct timex status = {0};
  return adjtimex(&status);
}

// Variadic functions are not importable.
static inline int otlpd_fcntl_int(int descriptor, int command, int value) { return fcntl(descriptor, command, value); }
#endif
