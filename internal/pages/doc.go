// Package pages is the web interface of wecomq: the state of the apps, the results of messages, and the actions
// on them. The pages are plain HTML rendered on the server, in Chinese and English, and work without JavaScript.
package pages
