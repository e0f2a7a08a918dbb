/* SPDX-License-Identifier: MIT */
/*
 * server: the listening socket, MHD's threads, and which route a path takes.
 *
 * Owns    the table of routes.
 * Never   knows files or command lines.
 */
#ifndef SERVER_H
#define SERVER_H

#include "stage.h"

/* Listens at an IPv4 address; with *port 0 the kernel chooses and *port says what. fd or -errno. */
int server_listen(const char *address, uint16_t *port);

/* Answers from now on, at a socket that is MHD's then. NULL when it cannot. */
struct MHD_Daemon *server_start(struct stage *stage, int fd);

#endif
