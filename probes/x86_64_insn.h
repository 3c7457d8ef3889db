/* How long x86_64 instructions are. */
#ifndef MEMQL_X86_64_INSN_H
#define MEMQL_X86_64_INSN_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the instruction at code; 0 if it is not known or goes beyond size. */
size_t x86_64_insn_length(const uint8_t *code, size_t size);

#endif
