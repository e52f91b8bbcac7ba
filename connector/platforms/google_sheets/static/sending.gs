// Sending: part by part, each with its statuses.

// Rows in one request.
const MOST_ROWS = 200;
const TRIES = 4;
// Seconds between two tries.
const LONGEST_PAUSE = 30;

// `counts`: statuses by their word; `left`: rows that are not done; `problem`: why it stopped, if not for the time.
function sendRows(sheet, rows, how) {
  makeStatusColumn(sheet);
  const done = { counts: {}, left: rows, problem: '' };
  while (done.left.length && Date.now() < how.until) {
    const table = tableOf(sheet, done.left.slice(0, MOST_ROWS));
    const { statuses, problem } = became(sheet, table, how);
    writeStatuses(sheet, table.rows, statuses);
    done.problem = problem;
    if (problem) break;
    statuses.map(wordOf).forEach((word) => (done.counts[word] = (done.counts[word] || 0) + 1));
    done.left = done.left.slice(MOST_ROWS);
    if (how.progress && done.left.length) how.progress(rows.length - done.left.length);
  }
  return done;
}

function became(sheet, table, how) {
  if (!table.rows.length) return { statuses: [], problem: '' };
  try {
    return { statuses: statusesOf(exchange(payloadOf(sheet, table), how), table.rows.length), problem: '' };
  } catch (problem) {
    return { statuses: table.rows.map(() => 'not sent: ' + problem.message), problem: problem.message };
  }
}

function payloadOf(sheet, table) {
  const zone = sheet.getParent().getSpreadsheetTimeZone();
  return {
    spreadsheetId: sheet.getParent().getId(),
    sheetName: sheet.getName(),
    headers: table.headers,
    rowNumbers: table.rows.map((row) => row.number),
    rows: table.rows.map((row) => row.cells.map((cell) => plain(cell, zone))),
    editedAt: table.readAt,
    event: { id: Utilities.getUuid() },
  };
}

// A date is written in the zone of the spreadsheet, where the day is the day that somebody typed.
function plain(cell, zone) {
  const isDate = Object.prototype.toString.call(cell) === '[object Date]';
  return isDate ? Utilities.formatDate(cell, zone, "yyyy-MM-dd'T'HH:mm:ssXXX") : cell;
}

// An event that is sent again is not taken twice: it is answered what has become of the first.
function exchange(payload, how) {
  const body = JSON.stringify(payload);
  let answer = post(body, how);
  for (let asked = 0; asked < how.asks && isOnItsWay(answer) && Date.now() < how.until; asked++) {
    Utilities.sleep(1000);
    answer = post(body, how);
  }
  return answer;
}

function isOnItsWay(answer) {
  return answer.records ? answer.records.some((record) => record.code === 'in_progress') : !answer.code;
}

function post(body, how) {
  const { address, secret } = connection();
  if (!address || !secret) throw new Error('Choose ' + TITLE + ', then Connect….');
  const request = {
    method: 'post',
    contentType: 'application/json',
    payload: body,
    headers: { 'X-Connector-Signature': 'sha256=' + signature(body, secret) },
    muteHttpExceptions: true,
    followRedirects: false,
  };
  for (let tried = 1; ; tried++) {
    const answer = fetched(address + '?wait=' + how.wait, request);
    if (answer.status === 200) return answer.value;
    const isPassing = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (!isPassing || tried === TRIES || Date.now() >= how.until) throw new Error(remedyOf(answer));
    Utilities.sleep(1000 * Math.min(answer.retryAfter || 2 ** tried, LONGEST_PAUSE));
  }
}

// Apps Script gives bytes from -128 to 127, and takes ASCII for granted unless it is told UTF-8.
function signature(body, secret) {
  const bytes = Utilities.computeHmacSha256Signature(body, secret, Utilities.Charset.UTF_8);
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, '0')).join('');
}

// Status 0 is no answer at all, with Google's words for it. A page of something else, such as a sign-in, counts as 404.
function fetched(url, request) {
  try {
    const response = UrlFetchApp.fetch(url, request);
    const [status, value] = [response.getResponseCode(), valueOf(response.getContentText())];
    const [, pause] = Object.entries(response.getHeaders()).find(([name]) => /^retry-after$/i.test(name)) || [];
    return { status: status === 200 && !value.stored ? 404 : status, value, retryAfter: Number(pause), words: '' };
  } catch (problem) {
    return { status: 0, value: {}, retryAfter: 0, words: problem.message };
  }
}

function valueOf(text) {
  try {
    return JSON.parse(text) || {};
  } catch (problem) {
    return {};
  }
}

function remedyOf({ status, value, words }) {
  const told = value.message || 'The connector answered ' + status + '.';
  if (status === 0) return 'The connector could not be reached (' + words + '). Try again later.';
  if (status === 401) return 'The secret is wrong, or this address was removed. Choose Connect… and give both anew.';
  if (status === 404 || Math.floor(status / 100) === 3) return 'No connector is at this address. Choose Connect… again.';
  if (status === 413) return 'These rows are too large to be sent at once. Select fewer of them.';
  return status === 429 || status >= 500 ? told + ' Try again later.' : told;
}
