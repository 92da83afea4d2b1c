// Debian's OpenSSL as a Swift module: its types, and its functions behind pointers that are looked up when needed.
//
// Linking it costs every start 2 MB resident and 1 ms, also where no listener has a certificate. So nothing links to
// it, and the first listener with TLS opens it: declarations and inline functions only.
#ifndef OTLPD_COPENSSL_SHIM_H
#define OTLPD_COPENSSL_SHIM_H
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stddef.h>

/// The functions of libssl and libcrypto that otlpd calls, each with the type that OpenSSL declares.
#define OTLPD_OPENSSL_FUNCTIONS(F)                                                                                   \
  F(TLS_server_method) F(SSL_CTX_new) F(SSL_CTX_free) F(SSL_CTX_ctrl) F(SSL_CTX_set_options)                         \
  F(SSL_CTX_use_certificate) F(SSL_CTX_use_PrivateKey) F(SSL_CTX_check_private_key) F(SSL_CTX_get_cert_store)        \
  F(SSL_CTX_add_client_CA) F(SSL_CTX_set_verify) F(SSL_CTX_set_cipher_list) F(SSL_CTX_set_alpn_select_cb)            \
  F(SSL_CTX_set_session_id_context) F(SSL_select_next_proto) F(SSL_new) F(SSL_free) F(SSL_set_fd)                    \
  F(SSL_set_accept_state) F(SSL_do_handshake) F(SSL_read_ex) F(SSL_write_ex) F(SSL_get_error) F(SSL_has_pending)     \
  F(SSL_shutdown) F(ERR_clear_error) F(ERR_get_error) F(ERR_reason_error_string) F(BIO_new_mem_buf) F(BIO_free)      \
  F(PEM_read_bio_X509) F(PEM_read_bio_PrivateKey) F(X509_free) F(EVP_PKEY_free) F(X509_STORE_add_cert)

struct otlpd_openssl {
#define OTLPD_OPENSSL_FIELD(name) __typeof__(&name) name;
  OTLPD_OPENSSL_FUNCTIONS(OTLPD_OPENSSL_FIELD)
#undef OTLPD_OPENSSL_FIELD
};

/// Opens OpenSSL and fills in its functions. Returns NULL, or why it cannot be used.
static inline const char *otlpd_openssl_open(struct otlpd_openssl *openssl) {
  // Its symbols are found through libssl's own dependency on libcrypto.
  void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return dlerror();
#define OTLPD_OPENSSL_FIND(name)                                                                                     \
  if ((*(void **)&openssl->name = dlsym(library, #name)) == NULL) return #name " is missing";
  OTLPD_OPENSSL_FUNCTIONS(OTLPD_OPENSSL_FIND)
#undef OTLPD_OPENSSL_FIND
  return NULL;
}

// Macros with casts are not importable.

/// SSL_CTX_set_options(3): a client may not start over, nothing is compressed, and a client that closes without the
/// goodbye of TLS has just ended: HTTP messages tell their own length, so nothing can be cut unseen.
static const uint64_t otlpd_openssl_options =
    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF;

/// SSL_CTX_set_mode(3): write what fits, from wherever it lies by then, and let idle connections hold no buffer.
static const long otlpd_openssl_mode =
    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS;

/// The reason in an error code, as SSL_R_HTTP_REQUEST.
static inline int otlpd_openssl_reason(unsigned long code) { return ERR_GET_REASON(code); }
#endif
