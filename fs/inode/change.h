/* The catalogue's observer. */
#ifndef BIGDATAFS_INODE_OBSERVER_H
#define BIGDATAFS_INODE_OBSERVER_H

#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/change.h"

/* catalogue_observer: changed. */
void node_on_changed(void *arg, struct connector *connector, enum place was);

#endif
