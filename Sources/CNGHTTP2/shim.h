// Debian's libnghttp2, as a Swift module.
#include <nghttp2/nghttp2.h>
