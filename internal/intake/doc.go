// Package intake reads the bodies of foreign requests. Every door of the gateway uses it:
// a body has to keep a pace, its bytes are charged to a budget that its senders share, and
// its JSON is bounded before it is decoded.
package intake
