// Debian's libzstd, as a Swift module.
#include <zstd.h>
#include <zstd_errors.h>
