// What the extension uses of the browser's interface for extensions, for check_types.mjs.

interface ChromeEvent<Listener> {
  addListener(listener: Listener): void;
}

interface ContentScript {
  id: string;
  matches?: string[];
  js?: string[];
  runAt?: string;
  world?: string;
  allFrames?: boolean;
  persistAcrossSessions?: boolean;
}

interface StorageArea {
  get(keys: string | string[]): Promise<Record<string, any>>;
  set(values: object): Promise<void>;
  remove(key: string): Promise<void>;
  onChanged: ChromeEvent<() => void>;
}

interface Sender {
  id?: string;
  origin?: string;
  tab?: { id: number };
}

interface Origins {
  origins: string[];
}

declare const chrome: {
  action: {
    setBadgeText(badge: { tabId?: number; text: string }): Promise<void>;
    setBadgeBackgroundColor(badge: { color: string }): Promise<void>;
    setBadgeTextColor(badge: { color: string }): Promise<void>;
  };
  i18n: { getUILanguage(): string };
  permissions: {
    contains(wanted: Origins): Promise<boolean>;
    request(wanted: Origins): Promise<boolean>;
    remove(unwanted: Origins): Promise<boolean>;
    onAdded: ChromeEvent<() => void>;
    onRemoved: ChromeEvent<() => void>;
  };
  runtime: {
    id: string;
    sendMessage(message: object): Promise<any>;
    openOptionsPage(): Promise<void>;
    onInstalled: ChromeEvent<(details: { reason: string }) => void>;
    onMessage: ChromeEvent<(message: any, sender: Sender, respond: (answer: unknown) => void) => unknown>;
    onStartup: ChromeEvent<() => void>;
  };
  scripting: {
    getRegisteredContentScripts(): Promise<ContentScript[]>;
    registerContentScripts(scripts: ContentScript[]): Promise<void>;
    unregisterContentScripts(): Promise<void>;
  };
  storage: { local: StorageArea; session: StorageArea };
  tabs: {
    query(wanted: { url?: string; active?: boolean; currentWindow?: boolean }): Promise<{ id: number }[]>;
    sendMessage(tab: number, message: object, options?: { frameId?: number }): Promise<any>;
    onRemoved: ChromeEvent<(tab: number) => void>;
  };
  windows: {
    get(id: number): Promise<{ id: number }>;
    create(wanted: { url: string; type: string; width: number; height: number }): Promise<{ id: number }>;
    update(id: number, change: { focused: boolean }): Promise<unknown>;
  };
};
