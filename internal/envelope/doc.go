// Package envelope reads and writes messages as clients write them: the JSON of
// WeCom's message/send, with members of ours beside WeCom's own. The command line,
// the REST interface and what is kept in Redis share it.
package envelope
