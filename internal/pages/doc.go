// Package pages is what people see of wecomq in a browser: how the apps are, what
// became of a message, and what can be done about it. The pages are plain HTML made
// here, in Chinese and English, and work without JavaScript.
package pages
