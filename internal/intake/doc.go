// Package intake reads the bodies of untrusted requests. Every door of the gateway uses it: a body has to keep a
// pace, its bytes are charged to a budget that senders share, and its JSON is bounded before it is decoded.
package intake
