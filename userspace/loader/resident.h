/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers wait for this process, and reclaiming memory may wait for readers. So
 * nothing that it needs to go on may have to be read back from a disk, and it is
 * not the one that is killed when there is no memory.
 */
#ifndef LOADER_RESIDENT_H
#define LOADER_RESIDENT_H

/**
 * resident_begin - keep all memory that this process touches from now on
 *
 * Call it with the caller's rights, in the process that stays. Without the right
 * to lock any amount nothing is locked: a limit would make allocations fail
 * later.
 */
void resident_begin(void);

/*
 * Read all of the program and its libraries into memory. They may lie on the
 * device that is served, so call it in a thread of its own once workers are
 * there. Does nothing unless resident_begin() has locked memory.
 */
void resident_programs(void);

#endif /* LOADER_RESIDENT_H */
