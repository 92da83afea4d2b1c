// Debian's libcurl as a Swift module: its types, and its functions behind pointers that are looked up when needed.
//
// Linking libcurl loads thirty libraries at every start (6 MB resident, 6 ms), also when nothing is forwarded.
// So nothing links to it, and a sink that needs it opens it: declarations and inline functions only.
#ifndef OTLPD_CCURL_SHIM_H
#define OTLPD_CCURL_SHIM_H
#include <curl/curl.h>
#include <dlfcn.h>
#include <stddef.h>

/// The functions of libcurl that otlpd calls.
struct otlpd_curl {
  CURLcode (*global_init)(long);
  CURL *(*easy_init)(void);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  CURLcode (*easy_perform)(CURL *);
  void (*easy_cleanup)(CURL *);
  const char *(*easy_strerror)(CURLcode);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
  curl_version_info_data *(*version_info)(CURLversion);
};

/// Looks one function up; remembers the first name that is missing.
static inline void *otlpd_curl_find(void *library, const char *name, const char **missing) {
  void *function = dlsym(library, name);
  if (function == NULL && *missing == NULL) *missing = name;
  return function;
}

/// Opens libcurl and fills in its functions. Returns NULL, or why it cannot be used.
static inline const char *otlpd_curl_open(struct otlpd_curl *curl) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return dlerror();
  const char *missing = NULL;
  *(void **)&curl->global_init = otlpd_curl_find(library, "curl_global_init", &missing);
  *(void **)&curl->easy_init = otlpd_curl_find(library, "curl_easy_init", &missing);
  *(void **)&curl->easy_setopt = otlpd_curl_find(library, "curl_easy_setopt", &missing);
  *(void **)&curl->easy_getinfo = otlpd_curl_find(library, "curl_easy_getinfo", &missing);
  *(void **)&curl->easy_perform = otlpd_curl_find(library, "curl_easy_perform", &missing);
  *(void **)&curl->easy_cleanup = otlpd_curl_find(library, "curl_easy_cleanup", &missing);
  *(void **)&curl->easy_strerror = otlpd_curl_find(library, "curl_easy_strerror", &missing);
  *(void **)&curl->slist_append = otlpd_curl_find(library, "curl_slist_append", &missing);
  *(void **)&curl->slist_free_all = otlpd_curl_find(library, "curl_slist_free_all", &missing);
  *(void **)&curl->version_info = otlpd_curl_find(library, "curl_version_info", &missing);
  return missing;
}

/// The library's version: 0x075801 is 7.88.1.
static inline unsigned otlpd_curl_version(struct otlpd_curl curl) {
  return curl.version_info(CURLVERSION_NOW)->version_num;
}

// Variadic functions are not importable: one inline function per kind of argument.
static inline CURLcode otlpd_curl_set_number(struct otlpd_curl curl, CURL *handle, CURLoption option,
                                             long value) {
  return curl.easy_setopt(handle, option, value);
}

static inline CURLcode otlpd_curl_set_size(struct otlpd_curl curl, CURL *handle, CURLoption option,
                                           curl_off_t value) {
  return curl.easy_setopt(handle, option, value);
}

static inline CURLcode otlpd_curl_set_text(struct otlpd_curl curl, CURL *handle, CURLoption option,
                                           const char *value) {
  return curl.easy_setopt(handle, option, value);
}

static inline CURLcode otlpd_curl_set_pointer(struct otlpd_curl curl, CURL *handle, CURLoption option,
                                              const void *value) {
  return curl.easy_setopt(handle, option, value);
}

/// Sets what is called with the response's body and head and while waiting, and the context of all three.
static inline CURLcode otlpd_curl_set_callbacks(struct otlpd_curl curl, CURL *handle,
                                                curl_write_callback on_body, curl_write_callback on_head,
                                                curl_xferinfo_callback on_progress, void *context) {
  CURLcode code = curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_WRITEDATA, context);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_head);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_HEADERDATA, context);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_XFERINFODATA, context);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  return code;
}

/// Sets what is asked for the socket of a new connection; NULL lets libcurl open it.
static inline CURLcode otlpd_curl_set_socket(struct otlpd_curl curl, CURL *handle, curl_opensocket_callback on_open,
                                             void *context) {
  CURLcode code = curl.easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, on_open);
  if (code == CURLE_OK) code = curl.easy_setopt(handle, CURLOPT_OPENSOCKETDATA, context);
  return code;
}

static inline CURLcode otlpd_curl_status(struct otlpd_curl curl, CURL *handle, long *status) {
  return curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
}

/// curl(3) wants a copied blob.
static inline CURLcode otlpd_curl_set_blob(struct otlpd_curl curl, CURL *handle, CURLoption option,
                                           const void *data, size_t size) {
  struct curl_blob blob = {(void *)data, size, CURL_BLOB_COPY};
  return curl.easy_setopt(handle, option, &blob);
}
#endif
