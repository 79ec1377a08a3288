"""What tests/bench is made of.

__main__   the options, the sections in their order, the end
stage      what a run starts: services, mounts, copies, servers; and takes away again
measure    commands timed, medians
report     tables for people and as markdown; the machine
servers    nginx, sshd, a TLS end for HTTP/2: what the peers stand on
forwarder  latency for servers that have none of their own
subjects   bigdatafs, tmpfs and the peers, each mounted and unmounted in the same way
trees      the same commands on all subjects
attribute  one attribute of all connectors, against curl and jq
requests   what is asked of the service
scale      100,000 connectors against 1,000: first ls, memory, cost of an operation
archive    1,000 archives
uncached   lookups that nothing caches, against libfuse's loop
load.c, trivial.c  a load that costs little, a file system that does nothing
"""
