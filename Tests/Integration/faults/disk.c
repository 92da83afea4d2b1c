// Preloaded into otlpd: makes chosen calls to the disk, the resolver or the wall clock go wrong as a plan says.
//
// The environment's DISK_FAULTS names the plan, which may be replaced while the program runs: it counts anew then.
// Each line is a rule: CALL PATH FIRST LAST EFFECT
//   CALL    write, sync, open, rename, remove, truncate, reserve, read, space, clock or resolve
//   PATH    a part of the file's path, or its end when it ends with $, or *; of resolve, of the host's name
//   FIRST   which of the calls that match, counted from 1
//   LAST    0: all from FIRST on
//   EFFECT  error:NUMBER   the call fails with this errno, or EAI number, and does nothing
//           half:0         a write writes half of what it was given, and says so
//           room:BYTES     a write that would end behind so many bytes of its file finds no space (ENOSPC)
//           delay:MS       the call takes so much longer
//           shift:SECONDS  what is added to the wall clock
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RULES_MAX = 16, PLAN_MAX = 4096 };

enum effect { NONE, ERROR, HALF, ROOM, DELAY, SHIFT };

struct rule {
  char call[16], path[256];
  long first, last, seen;
  enum effect effect;
  long number;
};

static struct rule rules[RULES_MAX];
static int rule_count;
static struct timespec plan_time;
static ino_t plan_inode;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// The next definition of a function: the C library's own.
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void parse(char *text) {
  rule_count = 0;
  for (char *line = strtok(text, "\n"); line && rule_count < RULES_MAX; line = strtok(NULL, "\n")) {
    struct rule *rule = &rules[rule_count];
    char effect[16] = "";
    memset(rule, 0, sizeof *rule);
    int fields = sscanf(line, "%15s %255s %ld %ld %15[a-z]:%ld", rule->call, rule->path, &rule->first, &rule->last,
                        effect, &rule->number);
    if (fields < 6) {
      fprintf(stderr, "disk.c: not a rule: %s\n", line);
      abort();
    }
    rule->effect = !strcmp(effect, "error")   ? ERROR
                   : !strcmp(effect, "half")  ? HALF
                   : !strcmp(effect, "room")  ? ROOM
                   : !strcmp(effect, "delay") ? DELAY
                                              : SHIFT;
    rule_count++;
  }
}

// Only raw calls here, which are not intercepted.
static void load(void) {
  static const char *path;
  if (!path) path = getenv("DISK_FAULTS");
  if (!path) return;
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  struct stat status;
  static char text[PLAN_MAX];
  if (fstat(file, &status) == 0 &&
      (status.st_ino != plan_inode || memcmp(&status.st_mtim, &plan_time, sizeof plan_time))) {
    plan_inode = status.st_ino;
    plan_time = status.st_mtim;
    ssize_t count = syscall(SYS_pread64, file, text, sizeof text - 1, (off_t)0);
    text[count > 0 ? count : 0] = 0;
    parse(text);
  }
  syscall(SYS_close, file);
}

static int matches(const struct rule *rule, const char *path) {
  size_t length = strlen(rule->path), whole = strlen(path);
  if (!strcmp(rule->path, "*")) return 1;
  if (rule->path[length - 1] != '$') return strstr(path, rule->path) != NULL;
  return whole >= length - 1 && !strncmp(path + whole - (length - 1), rule->path, length - 1);
}

// What is to happen to this call: the first rule that applies says so, and every rule that matches counts it.
static struct rule effect_of(const char *call, const char *path) {
  struct rule found = {.effect = NONE};
  int saved = errno;
  pthread_mutex_lock(&lock);
  load();
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->call, call) || !matches(rule, path)) continue;
    rule->seen++;
    if (found.effect == NONE && rule->seen >= rule->first && (!rule->last || rule->seen <= rule->last)) found = *rule;
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
  return found;
}

// True when the call must fail; errno says how.
static int fails(const char *call, const char *path) {
  struct rule rule = effect_of(call, path);
  if (rule.effect == ERROR) errno = rule.number;
  if (rule.effect == DELAY) {
    struct timespec rest = {rule.number / 1000, rule.number % 1000 * 1000000};
    while (nanosleep(&rest, &rest)) {}
  }
  return rule.effect == ERROR;
}

static const char *path_of(int file, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t count = readlink(link, path, PATH_MAX - 1);
  path[count > 0 ? count : 0] = 0;
  return path;
}

static int fails_on(const char *call, int file) {
  char path[PATH_MAX];
  return fails(call, path_of(file, path));
}

#define WRITE(name)                                                                            \
  ssize_t name(int file, const void *bytes, size_t count, off_t offset) {                      \
    char path[PATH_MAX];                                                                       \
    struct rule rule = effect_of("write", path_of(file, path));                                \
    if (rule.effect == ERROR) return errno = rule.number, -1;                                  \
    if (rule.effect == ROOM && offset + (off_t)count > rule.number) return errno = ENOSPC, -1; \
    if (rule.effect == DELAY) usleep(rule.number * 1000);                                      \
    if (rule.effect == HALF && count > 1) count /= 2;                                          \
    return REAL(name)(file, bytes, count, offset);                                             \
  }
WRITE(pwrite)
WRITE(pwrite64)

ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  return fails_on("read", file) ? -1 : REAL(pread)(file, bytes, count, offset);
}

int fdatasync(int file) { return fails_on("sync", file) ? -1 : REAL(fdatasync)(file); }
int fsync(int file) { return fails_on("sync", file) ? -1 : REAL(fsync)(file); }
int ftruncate(int file, off_t size) { return fails_on("truncate", file) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off_t size) { return fails_on("truncate", file) ? -1 : REAL(ftruncate64)(file, size); }
int fstatvfs(int file, struct statvfs *status) { return fails_on("space", file) ? -1 : REAL(fstatvfs)(file, status); }

int fallocate(int file, int mode, off_t offset, off_t count) {
  return fails_on("reserve", file) ? -1 : REAL(fallocate)(file, mode, offset, count);
}

#define MODE(flags, mode)                       \
  mode_t mode = 0;                              \
  if (flags & (O_CREAT | O_TMPFILE)) {          \
    va_list rest;                               \
    va_start(rest, flags);                      \
    mode = va_arg(rest, mode_t);                \
    va_end(rest);                               \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, mode)
  return fails("open", path) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags, mode)
  return fails("open", path) ? -1 : REAL(open64)(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
  MODE(flags, mode)
  return fails("open", path) ? -1 : REAL(openat)(directory, path, flags, mode);
}

int rename(const char *from, const char *to) { return fails("rename", to) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return fails("remove", path) ? -1 : REAL(unlink)(path); }

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
  return fails("rename", to) ? -1 : REAL(renameat)(from_directory, from, to_directory, to);
}

int unlinkat(int directory, const char *path, int flags) {
  return fails("remove", path) ? -1 : REAL(unlinkat)(directory, path, flags);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  // Raw, since the C library may ask for the time before it can look up its own functions.
  int result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) {
    struct rule rule = effect_of("clock", "*");
    if (rule.effect == SHIFT) time->tv_sec += rule.number;
  }
  return result;
}

// Hosts in .invalid are this machine, as far as no rule says otherwise.
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
  if (!host || !strstr(host, ".invalid")) return REAL(getaddrinfo)(host, port, hints, found);
  struct rule rule = effect_of("resolve", host);
  if (rule.effect == ERROR) return rule.number;
  if (rule.effect == DELAY) usleep(rule.number * 1000);
  return REAL(getaddrinfo)("127.0.0.1", port, hints, found);
}
