// Debian's libsqlite3, as a Swift module.
#include <sqlite3.h>
