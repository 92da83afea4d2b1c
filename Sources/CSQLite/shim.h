// Debian's libsqlite3, as a Swift module.
#include <sqlite3.h>
#include <time.h>

// SQLITE_STATIC is a cast that Swift does not import. An empty text is a text, never NULL.
static inline int csqlite_bind_static_text(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_text64(statement, index, count ? (const char *)bytes : "", count, SQLITE_STATIC, SQLITE_UTF8);
}

static inline int csqlite_bind_static_blob(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_blob64(statement, index, count ? bytes : "", count, SQLITE_STATIC);
}

// Non-zero, which stops the statement, when the monotonic clock has reached the given nanoseconds.
static inline int csqlite_is_overdue(void *deadline) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (sqlite3_uint64)now.tv_sec * 1000000000u + (sqlite3_uint64)now.tv_nsec >= *(const sqlite3_uint64 *)deadline;
}

static inline void csqlite_stop_at(sqlite3 *database, const void *deadline) {
  sqlite3_progress_handler(database, deadline ? 4000 : 0, deadline ? csqlite_is_overdue : 0, (void *)deadline);
}
