// As much of Apps Script as the script needs: a spreadsheet and what people do to it. Reads {script, state, steps} from
// stdin; writes the state after the steps, and what was shown and asked for in each. Requests are real.
const { createHmac, randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { createContext, Script } = require('node:vm');
const { Worker } = require('node:worker_threads');

const { script, state, steps } = JSON.parse(readFileSync(0, 'utf8'));
const code = new Script(script, { filename: 'Code.gs' });
let late = 0; // milliseconds by which the clock is ahead
let step;
let seen;

class Clock extends Date {
  constructor(...given) {
    given.length ? super(...given) : super(Clock.now());
  }
  static now() {
    return Date.now() + late;
  }
}

// Apps Script waits for each answer; Node cannot, so another thread asks.
const shared = new Int32Array(new SharedArrayBuffer(4));
const text = new Uint8Array(new SharedArrayBuffer(1 << 22));
const asking = new Worker(
  `const { parentPort, workerData: { shared, text } } = require('node:worker_threads');
   parentPort.on('message', async ({ url, request }) => {
     let answer;
     try {
       const { status, headers, ...rest } = await fetch(url, request).then(async (each) => ({
         status: each.status, headers: Object.fromEntries(each.headers), body: await each.text() }));
       answer = { status, headers, ...rest };
     } catch (problem) {
       answer = { thrown: String(problem.cause || problem) };
     }
     const bytes = new TextEncoder().encode(JSON.stringify(answer));
     text.set(bytes);
     Atomics.store(shared, 0, bytes.length);
     Atomics.notify(shared, 0);
   });`,
  { eval: true, workerData: { shared, text } },
);

function asked(url, request) {
  Atomics.store(shared, 0, 0);
  asking.postMessage({ url, request });
  Atomics.wait(shared, 0, 0);
  return JSON.parse(Buffer.from(text.slice(0, Atomics.load(shared, 0))).toString());
}

const columnOf = (row, width) => Array.from({ length: width }, (_, index) => row[index] ?? '');
const shown = (cell) => (cell && cell.date ? cell.date : cell && cell.formula ? String(worth(cell)) : String(cell ?? ''));
const value = (cell) => (cell && cell.date ? new Clock(cell.date) : cell && cell.formula ? worth(cell) : cell);
const worth = (cell) => (cell.value === 'RAND' ? Math.random() : cell.value);

class Range {
  constructor(sheet, row, column, rows = 1, columns = 1) {
    const bad = [row, column, rows, columns].some((each) => !Number.isInteger(each) || each < 1);
    const outside = row + rows - 1 > sheet.getMaxRows() || column + columns - 1 > sheet.getMaxColumns();
    if (bad || outside) throw new Error('The coordinates of the range are outside the dimensions of the sheet.');
    Object.assign(this, { sheet, row, column, rows, columns });
  }
  getSheet = () => this.sheet;
  getRow = () => this.row;
  getLastRow = () => this.row + this.rows - 1;
  getColumn = () => this.column;
  getLastColumn = () => this.column + this.columns - 1;
  cells(of, read) {
    return Array.from({ length: this.rows }, (_, index) => {
      const line = columnOf(this.sheet.state[of][this.row - 1 + index] || [], this.getLastColumn());
      return line.slice(this.column - 1).map(read);
    });
  }
  put(of, given) {
    const fits = given.length === this.rows && given.every((line) => line.length === this.columns);
    if (!fits) throw new Error('The number of rows or columns in the data does not match that of the range.');
    given.forEach((line, index) => {
      const all = this.sheet.state[of];
      const at = this.row - 1 + index;
      while (all.length <= at) all.push([]);
      all[at] = columnOf(all[at], Math.max(all[at].length, this.getLastColumn()));
      all[at].splice(this.column - 1, line.length, ...line);
    });
    return this;
  }
  getValues = () => this.cells('cells', value);
  getDisplayValues = () => this.cells('cells', shown);
  getFormulas = () => this.cells('cells', (cell) => (cell && cell.formula) || '');
  setValues = (given) => this.put('cells', given);
  setValue = (given) => this.put('cells', [[given]]);
  setNotes = (given) => this.put('notes', given);
  setFontColors = (given) => this.put('colours', given);
}

class Sheet {
  constructor(each) {
    this.state = each;
  }
  getSheetId = () => this.state.id;
  getName = () => this.state.name;
  getParent = () => spreadsheet;
  getMaxRows = () => Math.max(1000, this.state.cells.length);
  getMaxColumns = () => this.state.columns;
  getLastRow = () => this.state.cells.findLastIndex((line) => line.some((cell) => shown(cell) !== '')) + 1;
  getLastColumn = () =>
    Math.max(0, ...this.state.cells.map((line) => line.findLastIndex((cell) => shown(cell) !== '') + 1));
  getRange = (...where) => new Range(this, ...where);
  getActiveRangeList = () =>
    step.selected ? { getRanges: () => step.selected.map((where) => this.getRange(...where)) } : null;
  getActiveCell = () => this.getRange(...step.cell);
  getFilter = () => (step.hidden ? {} : null);
  isRowHiddenByFilter = (row) => step.hidden.includes(row);
  insertColumnAfter = (column) => {
    this.state.columns++;
    for (const line of this.state.cells) if (line.length > column) line.splice(column, 0, '');
    return this;
  };
}

const sheets = state.sheets.map((each) => new Sheet(each));
const named = (name) => sheets.find((each) => each.state.name === name) || sheets[0];
const spreadsheet = {
  getId: () => 'spreadsheet-1',
  getSpreadsheetTimeZone: () => state.zone,
  getSheets: () => sheets,
  toast: (message) => seen.toasts.push(message),
};

function dialog(kind, message) {
  const answer = (step.answers || []).shift();
  if (answer === undefined && kind !== 'OK') throw new Error('Nobody answers: ' + message);
  seen.said.push(message);
  return answer;
}

const Button = { OK: 'OK', CANCEL: 'CANCEL', YES: 'YES', NO: 'NO' };
const ui = {
  Button,
  ButtonSet: { OK: 'OK', OK_CANCEL: 'OK_CANCEL', YES_NO: 'YES_NO' },
  alert: (title, message, buttons) => (buttons === 'OK' ? (dialog('OK', message), 'OK') : dialog(buttons, message)),
  prompt: (title, message) => {
    const answer = dialog('prompt', message);
    return {
      getSelectedButton: () => (answer === null ? Button.CANCEL : Button.OK),
      getResponseText: () => answer ?? '',
    };
  },
  createMenu: (title) => {
    const menu = { title, items: [] };
    const builder = {
      addItem: (label, run) => (menu.items.push([label, run]), builder),
      addSeparator: () => builder,
      addToUi: () => (seen.menu = menu),
    };
    return builder;
  },
};

function stored(held) {
  return {
    getProperty: (name) => held[name] ?? null,
    getProperties: () => ({ ...held }),
    setProperty: (name, given) => void (held[name] = String(given)),
    setProperties: (given) => void Object.assign(held, given),
    deleteProperty: (name) => void delete held[name],
  };
}

const PATTERNS = { yyyy: 'year', MM: 'month', dd: 'day', HH: 'hour', mm: 'minute', ss: 'second', XXX: 'timeZoneName' };
function formatDate(date, timeZone, format) {
  const two = Object.fromEntries(['month', 'day', 'hour', 'minute', 'second'].map((each) => [each, '2-digit']));
  const how = { timeZone, year: 'numeric', ...two, hourCycle: 'h23', timeZoneName: 'longOffset' };
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en', how).formatToParts(date).map((p) => [p.type, p.value]));
  parts.timeZoneName = parts.timeZoneName.replace('GMT', '') || 'Z';
  return format.replace(/'([^']*)'|yyyy|MM|dd|HH|mm|ss|XXX/g, (found, quoted) => quoted ?? parts[PATTERNS[found]]);
}

function people(sheet, { insert, put }) {
  if (insert) sheet.state.cells.splice(insert - 1, 0, []);
  if (put) sheet.getRange(put.row, put.column, put.values.length, put.values[0].length).setValues(put.values);
}

function fetched(url, request) {
  seen.requests.push({ url, ...request });
  late += step.takes || 0;
  if (step.meanwhile) people(named(step.sheet), step.meanwhile);
  delete step.meanwhile;
  const planned = (step.answered || []).shift();
  if (planned && planned.status === 0) throw new Error('Address unavailable');
  const options = { method: request.method, body: request.payload, redirect: request.followRedirects ? 'follow' : 'manual' };
  options.headers = { ...request.headers, 'Content-Type': request.contentType };
  const answer = planned || asked(url, options);
  if (answer.thrown || step.loses-- > 0) throw new Error(answer.thrown || 'Timeout');
  if (!request.muteHttpExceptions && answer.status >= 400) throw new Error('Request failed.');
  return {
    getResponseCode: () => answer.status,
    getHeaders: () => answer.headers || {},
    getContentText: () => answer.body || '',
  };
}

// What Google gives a script that runs as somebody.
function services(who) {
  const triggers = () => state.triggers.filter((each) => each.who === who);
  const built = (handler) => ({
    forSpreadsheet: () => {
      const made = (type) => ({ create: () => state.triggers.push({ id: randomUUID(), who, handler, type }) });
      return { onEdit: () => made('edit'), onFormSubmit: () => made('submit') };
    },
  });
  return {
    Date: Clock,
    SpreadsheetApp: {
      getUi: () => ui,
      getActive: () => spreadsheet,
      getActiveSheet: () => named(step.sheet),
      flush: () => {},
    },
    ScriptApp: {
      getProjectTriggers: () => triggers().map((each) => ({ getHandlerFunction: () => each.handler, id: each.id })),
      deleteTrigger: ({ id }) => (state.triggers = state.triggers.filter((each) => each.id !== id)),
      newTrigger: built,
    },
    PropertiesService: {
      getDocumentProperties: () => stored(state.properties),
      getUserProperties: () => stored((state.users[who] = state.users[who] || {})),
    },
    LockService: {
      getDocumentLock: () => ({
        waitLock: () => step.whileWaiting && people(named(step.sheet), step.whileWaiting),
        releaseLock: () => {},
      }),
    },
    UrlFetchApp: { fetch: fetched },
    Utilities: {
      Charset: { UTF_8: 'utf8' },
      // Bytes are signed, as Google's are, and text is ASCII unless UTF-8 is asked for.
      computeHmacSha256Signature: (message, key, charset = 'ascii') => {
        const digest = createHmac('sha256', Buffer.from(key, charset)).update(Buffer.from(message, charset)).digest();
        return Array.from(new Int8Array(digest));
      },
      formatDate,
      getUuid: randomUUID,
      sleep: (milliseconds) => {
        seen.slept.push(milliseconds);
        late += milliseconds;
      },
    },
  };
}

function running(who) {
  const context = createContext(services(who));
  code.runInContext(context);
  return context;
}

function fire(type, sheet, where) {
  for (const each of state.triggers.filter((trigger) => trigger.type === type)) {
    running(each.who)[each.handler]({ range: sheet.getRange(...where) });
  }
}

const DOES = {
  menu: ({ menu, as }) => {
    const context = running(as);
    context.onOpen();
    const [, run] = seen.menu.items.find(([label]) => label === menu);
    context[run]();
  },
  run: ({ run, as }) => running(as)[run](),
  edit: ({ sheet, edit: { row, column, values } }) => {
    people(named(sheet), { put: { row, column, values } });
    fire('edit', named(sheet), [row, column, values.length, values[0].length]);
  },
  submit: ({ sheet, submit }) => {
    const row = named(sheet).getLastRow() + 1;
    people(named(sheet), { put: { row, column: 1, values: [submit] } });
    fire('submit', named(sheet), [row, 1, 1, submit.length]);
  },
};

const told = steps.map((each) => {
  step = each;
  seen = { said: [], toasts: [], requests: [], slept: [], menu: null };
  late = 0;
  const [does] = Object.keys(DOES).filter((name) => name in step);
  DOES[does](step);
  return seen;
});
process.stdout.write(JSON.stringify({ state, told }), () => process.exit());
