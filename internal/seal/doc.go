// Package seal encrypts small values in Redis: readers of Redis, a backup or its replication cannot use them,
// and writers cannot swap them.
package seal
