// Two self-signed certificates for localhost, for tests alone, and files to put them in.

import Glibc
import System
import TLS

/// Made once with openssl(1); valid for a hundred years.
enum Certificates {
  static let first = (
    certificate: """
    -----BEGIN CERTIFICATE-----
    MIIBnDCCAUGgAwIBAgIUbfbvLm1e32pnLWJhq+pMAOsTKtQwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA4NTAxNVoYDzIxMjYxMDI4
    MDg1MDE1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAASU8EMIbW7Q47BLcIP5QsweTbaVSKUi6WjPG/syGay94h3brS2ooCMA
    DEcHhbnTy5b88WFGPuyeXbFMx1iYp5yEo28wbTAdBgNVHQ4EFgQUIuDZfrzx0/Je
    lbu5E3T+cx3IaLMwHwYDVR0jBBgwFoAUIuDZfrzx0/Jelbu5E3T+cx3IaLMwDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
    zj0EAwIDSQAwRgIhANzeXpzvHB8crALsiQROFCvMEZ5NtNkpWr9MxiaRNKDiAiEA
    mR2aQLV5NzgfyguMMuOo80vVdfsi+zIVdi0fetGVH7g=
    -----END CERTIFICATE-----

    """,
    key: """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrMNIAsx8viazqxEq
    d7cdwK7lXHm52h9FKKit2kCeBCChRANCAASU8EMIbW7Q47BLcIP5QsweTbaVSKUi
    6WjPG/syGay94h3brS2ooCMADEcHhbnTy5b88WFGPuyeXbFMx1iYp5yE
    -----END PRIVATE KEY-----

    """
  )
  static let second = (
    certificate: """
    -----BEGIN CERTIFICATE-----
    MIIBnDCCAUGgAwIBAgIUdvxZNr7IOHUDAZtisqqkcnZoBLowCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA4NTAxNVoYDzIxMjYxMDI4
    MDg1MDE1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAATp0zcK8CVnLLH55DvEWhpfifhCMAEVlgnGT/AAHCCFRy58jSWVAShm
    yKKtaoGBmtOSWY3vGMa+8vhiv2+kpa3mo28wbTAdBgNVHQ4EFgQUNtcz6UDV9PFA
    lbXenwbE6s/xiTowHwYDVR0jBBgwFoAUNtcz6UDV9PFAlbXenwbE6s/xiTowDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
    zj0EAwIDSQAwRgIhAL92kr/idZ3x8+THcnXy7g/ijlDvlBzddTnSuASsLWJTAiEA
    qspGNaCDeuY6I56FGDTasZLODwz+YAB4X/V6m8BV6rg=
    -----END CERTIFICATE-----

    """,
    key: """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqtx1qRt2gsbopW4s
    2ghtJpasfvcS2LIcNTay3qsGptehRANCAATp0zcK8CVnLLH55DvEWhpfifhCMAEV
    lgnGT/AAHCCFRy58jSWVAShmyKKtaoGBmtOSWY3vGMa+8vhiv2+kpa3m
    -----END PRIVATE KEY-----

    """
  )
}

/// A certificate and a key in a directory that goes with the value.
final class CertificateFiles {
  private let directory: String
  var certificate: String { directory + "/tls.crt" }
  private var key: String { directory + "/tls.key" }
  var settings: TLSSettings { TLSSettings(certificate: .file(certificate), key: .file(key)) }

  init() {
    directory = "/tmp/otlpd-tls-\(ProcessStatistics.identifier)-\(UInt64.random(in: 0...UInt64.max))"
    // Safe, here and below: the texts are NUL-terminated for the call.
    _ = unsafe mkdir(directory, 0o700)
  }

  deinit {
    for path in [certificate, key] { _ = unsafe unlink(path) }
    _ = unsafe rmdir(directory)
  }

  /// Replaces both files, each by a new one.
  func write(_ pair: (certificate: String, key: String)) throws {
    try write(pair.certificate, to: certificate)
    try write(pair.key, to: key)
  }

  private func write(_ text: String, to path: String) throws {
    let file = unsafe fopen(path + ".new", "w")
    _ = unsafe fputs(text, file)
    _ = unsafe fclose(file)
    if unsafe rename(path + ".new", path) != 0 { throw SystemError.last("cannot write \(path)") }
  }
}
