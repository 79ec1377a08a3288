/* sentence: how long a message to a person may be, in every room. */
#ifndef BIGDATAFS_BASE_SENTENCE_H
#define BIGDATAFS_BASE_SENTENCE_H

enum { SENTENCE_MAX = 512 }; /* bytes, with the NUL; a longer sentence is cut */

#endif
