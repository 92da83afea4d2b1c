// Debian's libdeflate, as a Swift module.
#include <libdeflate.h>
