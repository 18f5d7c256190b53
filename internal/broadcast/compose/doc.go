// Package compose builds the calls of a broadcast: it reads a list of recipients and a template, checks both
// completely, and groups recipients who get the same bytes into calls of up to [message.MaxUsers]. It does
// not depend on Redis or the queue.
//
//	list (CSV) ── decode ── rows ── check, render, hash ── sort by userid: no duplicates
//	                                                     └─ sort by rendering: calls ── blocks
//
// Memory does not grow with the list: both sorts spill to a temporary file.
package compose
