// Package seal encrypts small values that lie in Redis: who reads Redis, a backup of it or
// its replication cannot use them, and who writes to it cannot exchange them.
package seal
