// Package pages is the web interface of wecomq: the state of the apps, what became of a
// message, and what can be done about it. The pages are plain HTML rendered on the
// server, in Chinese and English, and work without JavaScript.
package pages
