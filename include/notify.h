/* SPDX-License-Identifier: MIT */
/*
 * notify: what systemd is told of us, if it wants to know: over the datagram socket that it names in
 * $NOTIFY_SOCKET. Its protocol is that of sd_notify(3), and a few lines.
 *
 * Owns    the address of the socket.
 * Thread  notify_open(): main's, before all others. The others: any.
 * Never   waits, but for five seconds where the reader is behind, and never with STATUS; is never needed.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>

/* Takes the variable, and takes it away: what we start is not to speak for us. */
void notify_open(void);

/* Whether anybody is to be told anything. */
bool notify_is_open(void);

/* The mount answers. */
void notify_ready(void);

/* The key is being read again; and was. Nothing is said of it before notify_ready(). */
void notify_reloading(void);
void notify_reloaded(void);

/* It ends. */
void notify_stopping(void);

/* One line for people: what it is doing. False when it cannot be taken just now. */
bool notify_status(const char *line);

#endif
