// What the disk and the checksum cost by themselves, in one thread.
//
// Usage: disk append FILE BYTES COUNT    writes and syncs (fdatasync); prints the median in microseconds and MB/s
//        disk scan FILE ...              reads files whole and checksums them (zlib's crc32); prints MB and seconds
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int append(const char *path, size_t bytes, long count) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  char *content = memset(malloc(bytes), 'x', bytes);
  double *times = malloc(count * sizeof *times), start = now();
  for (long i = 0; i < count; i++) {
    double before = now();
    if (pwrite(file, content, bytes, i * bytes) != (ssize_t)bytes || fdatasync(file)) return perror(path), 1;
    times[i] = now() - before;
  }
  double seconds = now() - start;
  qsort(times, count, sizeof *times, by_value);
  printf("%.1f %.1f\n", times[count / 2] * 1e6, bytes * count / seconds / 1e6);
  return 0;
}

static int scan(int count, char **paths) {
  double start = now(), bytes = 0;
  unsigned long checksum = 0;
  for (int i = 0; i < count; i++) {
    int file = open(paths[i], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status)) return perror(paths[i]), 1;
    char *content = malloc(status.st_size);
    if (pread(file, content, status.st_size, 0) != status.st_size) return perror(paths[i]), 1;
    checksum ^= crc32_z(0, (void *)content, status.st_size);
    bytes += status.st_size;
    free(content);
    close(file);
  }
  double seconds = now() - start;
  printf("%.1f %.4f\n", bytes / 1e6, seconds);
  return checksum == 1;  // Used, so that nobody optimises it away.
}

int main(int argc, char **argv) {
  if (argc == 5 && !strcmp(argv[1], "append")) return append(argv[2], atol(argv[3]), atol(argv[4]));
  if (argc > 2 && !strcmp(argv[1], "scan")) return scan(argc - 2, argv + 2);
  return fprintf(stderr, "usage: disk append FILE BYTES COUNT | disk scan FILE ...\n"), 2;
}
