// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ts_directory DIR;

#define MAXNAMLEN 255

struct dirent {
    ino_t d_ino;
    off_t d_off; // where the next readdir goes on
    unsigned short d_reclen;
    unsigned char d_type; // DT_*
    char d_name[256];
};
#define _DIRENT_HAVE_D_TYPE 1
#define d_fileno            d_ino

#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

#define IFTODT(mode) (((mode)&0170000) >> 12)
#define DTTOIF(type) ((type) << 12)

#ifdef __cplusplus
}
#endif
