/* sentence: how long what this program says to a person in one go may be. */
#ifndef BIGDATAFS_BASE_SENTENCE_H
#define BIGDATAFS_BASE_SENTENCE_H

enum { SENTENCE_MAX = 512 }; /* bytes, with the NUL; a longer sentence is cut */

#endif
