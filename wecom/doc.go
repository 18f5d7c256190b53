// Package wecom is a client of WeCom's (企业微信) server API: one HTTP client per application with a cached
// access token, the errcodes with their classes, and media upload. It has nothing to do with queues, and
// needs only the standard library.
//
// Page ids in comments (91039, 90236 …) refer to WeCom's developer documentation,
// https://developer.work.weixin.qq.com/document/path/<id>.
package wecom
