// SPDX-License-Identifier: MIT
// From the path of a request target to the name of a file.
#pragma once

#include <tessera/abi/types.h>

#include "text.h"

// Decodes %XX (RFC 3986 2.1), merges slashes and resolves "." and ".." after the decoding, so that
// no spelling of them survives. `target` starts with '/' and has no query. The result is relative
// to the served tree, without a leading slash, empty for the root; it ends in '/' if the target
// named a directory (a final slash, "." or ".."). It is written to buffer.
// TS_ERR_ARGUMENT: not a path, a bad %XX, a zero byte or a path that climbs out of the tree.
// TS_ERR_NAME_TOO_LONG: it does not fit into size bytes.
TS_MUST_USE ts_status_t path_decode(struct text target, char *buffer, size_t size,
                                    struct text *out_path);
