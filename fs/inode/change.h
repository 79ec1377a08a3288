/* What the catalogue tells. */
#ifndef BIGDATAFS_INODE_CHANGE_OBSERVER_H
#define BIGDATAFS_INODE_CHANGE_OBSERVER_H

#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/change.h"

/* changed of struct catalogue_observer; arg is the struct nodes. */
void change_on_changed(void *arg, struct connector *connector, enum place was);

#endif
