// Debian's libcrypt, as a Swift module.
#include <crypt.h>
