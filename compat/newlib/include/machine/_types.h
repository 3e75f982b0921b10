// SPDX-License-Identifier: MIT
#pragma once

// newlib's defaults are 16 bits wide for device, inode, user and group numbers.
typedef unsigned long __dev_t;
typedef unsigned int __uid_t;
typedef unsigned int __gid_t;
typedef unsigned long __ino_t;
typedef unsigned long __fsfilcnt_t;
typedef unsigned short __sa_family_t;
#define __machine_dev_t_defined
#define __machine_uid_t_defined
#define __machine_gid_t_defined
#define __machine_ino_t_defined
#define __machine_fsfilcnt_t_defined
#define __machine_sa_family_t_defined

#include_next <machine/_types.h>
