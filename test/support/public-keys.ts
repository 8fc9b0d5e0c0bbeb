/** Public keys that ssh-keygen has made, without comments. Nobody has their private keys. */
export const ED25519 =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL38V7KWMBjH7v5W6nanH5e7Ox1hAJ/HR6Ar46zE5wUN';
export const ECDSA_256 =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIvmFRsgFvw0L' +
  'ycX71jfWf71turezyj7Dj/A8K+eFpztaJ54zhKTLM2xgz32zUdujrpp8UtDYSZsXnxgUWp50WM=';
export const ECDSA_384 =
  'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBOL4K/euKEmH4' +
  'fjkhvPlET4vNGtCH9aICFXrAOyGL9Bo0PSBIMEDvjXKBoSsylYdpfy/GyGNPnlWkfrSk0gG01KSVCbtmncdhN' +
  'qQW3byscC2I90k0PTSxQ/LRNnoUF7HWw==';
export const ECDSA_521 =
  'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBADmwAoU5sgIc' +
  '23VMXbFJp6TV1j6l1ReoJ0QDXWIIuorPRLrxBOCaCzOgNTdi5ANGQkO2gNAneROiYpu/Q9MqCM2xgEin5rAt+' +
  'V2meLLJ5N5swWAOnMAoYNUZU7iaQpkWn+8A2OwjF9vaPAfxzZmofIgCpxgK4xi1D1l0R+PAGwe24xzxA==';
export const RSA_2048 =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCpZvwyBU8Pvr2Axq5gX57KmVe/GdqEHmkKDu/BCQhkMiuaM' +
  '8mFNDICzhukyi6GuZhzyvOZdifXiYzxiOgMDEoSKreW5yo6/ddoVl07WpHuLXZHmoGsAccru9ZY7zn9X0SBzY' +
  'g15TrAkZl7Q+ewLgCvtqi7cWMPc68LoJzqmgMyza5h8FwsW2q0M1YFFcxPVF8TaRvLpQxjAluWLd0JtascDSP' +
  '9qb/kNpiYWtKsmjyKRtne16YVuDZWwO1aMscb+5hW8NDeaXzc1DVJJS7D8rq2h7DQQQsfcmqJqx5IO2on2sX6' +
  'L/yecnrJtwecESO7XAc2tFAqzphucRrXwdYzydfR';
export const RSA_1024 =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDDbrDOg+0LgQ8AaNWqvsFlTdLaUxsYhMUCVxul8YBgHO4Hz' +
  '2G0dyW16rusRN5Ha6DXb53AXbc1jYHlwUJing8f+b0CVY8xb19SdNjl7jkJrhCnkX+DwQmDvW0GEtequvFMOm' +
  'wPWMnUtSdDbqnpArBSgkmxiDiZwUgMNrliXk3s9w==';
