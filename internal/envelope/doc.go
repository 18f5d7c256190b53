// Package envelope parses and encodes messages in the form that clients use: the JSON of WeCom's message/send,
// with additional members of ours. The command line, the REST API and data in Redis share it.
package envelope
