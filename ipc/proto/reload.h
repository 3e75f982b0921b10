// SPDX-License-Identifier: MIT
// A service that reads its configuration again. Its sessions have one method, whose number no other
// protocol has: a service that does not offer it answers TS_ERR_UNSUPPORTED.
#pragma once

// Needs MANAGE. Nothing in: the service's own file is read; a handle in (READ), and 1 to 127 bytes:
// that file, which messages call so. What has begun ends by the old configuration. On an error that
// one stays in force, and the bytes out are what is wrong, without a final zero.
//   TS_ERR_CORRUPT    the file has an error
//   TS_ERR_TOO_LARGE  it is longer than the service takes
//   TS_ERR_BUSY       another is being read, or earlier ones are still needed: try again
//   others            the file cannot be read
#define TS_RELOAD         0x72656c64u
#define TS_RELOAD_MESSAGE 384u // bytes of a message, at most
