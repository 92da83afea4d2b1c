// Debian's OpenSSL, as a Swift module.
#include <openssl/err.h>
#include <openssl/ssl.h>
