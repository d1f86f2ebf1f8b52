/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The open device is all the right that a loader needs; the rest is dropped.
 */
#ifndef LOADER_PRIVILEGES_H
#define LOADER_PRIVILEGES_H

#include "libincremental/incremental.h"

/**
 * privileges_drop - become @user for good, without any capability
 * @user: a name or number, or NULL: "nobody" if root, else the present user
 */
int privileges_drop(const char *user, struct incr_error *error);

#endif /* LOADER_PRIVILEGES_H */
