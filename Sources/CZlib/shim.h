// Debian's libz, as a Swift module.
#include <zlib.h>
