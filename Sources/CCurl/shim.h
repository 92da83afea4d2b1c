// Debian's libcurl, as a Swift module.
#include <curl/curl.h>
