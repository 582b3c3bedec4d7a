/* Included before each file of the kernel that is compiled for the host: the names that a C library
   has too get others here, so that both can be in one program. The C library's own are used by
   host.c and by the sanitizers; the kernel's are what is tested. */
#pragma once

#define memcmp          kernel_memcmp
#define memcpy          kernel_memcpy
#define memmove         kernel_memmove
#define memset          kernel_memset
#define snprintf        kernel_snprintf
#define strcmp          kernel_strcmp
#define strlen          kernel_strlen
#define strncmp         kernel_strncmp
#define strncpy         kernel_strncpy
#define strnlen         kernel_strnlen
#define vsnprintf       kernel_vsnprintf
