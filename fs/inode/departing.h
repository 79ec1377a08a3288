/* What the tree needs of departing names. */
#ifndef BIGDATAFS_INODE_DEPARTING_NAMES_H
#define BIGDATAFS_INODE_DEPARTING_NAMES_H

#include "bigdatafs/base/uuid.h"
#include "bigdatafs/catalogue/connectors.h"
#include "bigdatafs/inode/departing.h"

/* A name of the root or .archived that notify_removed is about to remove. */
struct departing {
    struct departing *next;
    enum place place;
    struct node *node; /* detached; NULL when the kernel did not know it or forgot it */
    char id[UUID_LEN + 1];
};

/* The connector's name in the place it left is to be removed. node is what it meant, or NULL. */
void depart(struct nodes *n, struct connector *connector, enum place was, struct node *node);
/* The node is being freed. */
void forget_departing(struct nodes *n, const struct node *node);

#endif
