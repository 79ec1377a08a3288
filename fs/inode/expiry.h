/*
 * expiry: the kernel keeps the names of connectors until the list that told of them expires, and
 * then is told to ask again: in slices, since there may be 100,000, and no faster than it takes
 * notifications. A newer list ends that.
 */
#ifndef BIGDATAFS_INODE_EXPIRY_H
#define BIGDATAFS_INODE_EXPIRY_H

/* refreshed of struct catalogue_observer; arg is the struct nodes. What was hidden comes back. */
void expiry_on_refreshed(void *arg);
/* due of the loop_timer n->expiry; arg is the struct nodes. */
void expiry_on_due(void *arg);

#endif
