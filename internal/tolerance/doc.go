// Package tolerance is what WeCom takes: which JSON it reads and how, and which messages
// it refuses, by which errcode. The simulator and the ingress both judge a message by it,
// so a program that works with the one works with the other.
//
// Where the pages are silent it follows captured answers. Page ids (90236 …) are those of WeCom's documentation.
package tolerance
