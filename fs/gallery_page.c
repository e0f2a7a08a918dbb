/* SPDX-License-Identifier: MIT */
/* gallery.html within the program, by the assembler: that needs no tool, and no copy of it as C. */
#include "gallery_page.h"

__asm__(".pushsection .rodata\n"
	".global gallery_page_text\n"
	".hidden gallery_page_text\n"
	"gallery_page_text:\n"
	".incbin \"fs/gallery.html\"\n"
	".byte 0\n"
	".popsection\n");

extern const char gallery_page_text[] __attribute__((visibility("hidden")));

const char *gallery_page(void)
{
	return gallery_page_text;
}
