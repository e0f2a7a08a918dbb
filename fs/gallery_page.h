/* SPDX-License-Identifier: MIT */
/* gallery_page: the page as it stands in gallery.html. Private to gallery*.c. */
#ifndef GALLERY_PAGE_H
#define GALLERY_PAGE_H

/* Where the data goes. */
#define GALLERY_PLACE "@DATA@"

/* With a NUL behind. */
const char *gallery_page(void);

#endif
