// Package tolerance implements what WeCom accepts: which JSON it reads and how, and which messages it refuses,
// with which errcode. The simulator and the gateway judge messages by the same rules, so a program that works
// with the one works with the other.
//
// Where the pages say nothing it follows recorded answers. Page ids (90236 …) are those of WeCom's documentation.
package tolerance
